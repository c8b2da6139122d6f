import os

# two workers on two cores: threads of the linear algebra would only fight with the other worker
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
