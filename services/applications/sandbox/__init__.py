"""政策沙盘: judge what was handed in by a form and a round that are only thought of. Asked for by `runs.py`, worked on by the relay (`worker.py`)."""
