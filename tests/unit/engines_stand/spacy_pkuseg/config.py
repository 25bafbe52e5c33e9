from types import SimpleNamespace

config = SimpleNamespace(pkuseg_home="/nowhere")
