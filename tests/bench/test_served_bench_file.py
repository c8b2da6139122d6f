from xraydaq.bench.serving import bench_text, simulated_roles
from xraydaq.config import default_bench, load_bench


def test_the_file_to_dial_in_with_says_of_the_bench_what_its_own_file_says(tmp_path):
    bench = load_bench(default_bench())
    ports = {name: f"TCPIP0::127.0.0.1::{5000 + at}::SOCKET" for at, name in enumerate(simulated_roles(bench))}
    path = tmp_path / "served.toml"
    path.write_text(bench_text(bench, ports), encoding="utf-8")
    served = load_bench(path)
    assert served.served_simulation
    for table in ("limits", "filters", "stage", "dosimeter"):
        assert getattr(served, table) == getattr(bench, table), table
    assert served.twin is None
