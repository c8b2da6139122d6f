"""The experiments of the bench, one pymeasure ``Procedure`` per file."""
