"""The process of the embedded language model: llama.cpp's own OpenAI-compatible server.

Run as a script, so that it loads nothing of the product: python model_process.py MODEL STATE_FILE
PORT, the API key on standard input; any free port for 0. Once it answers it writes {"url", "key",
"pid"} to the state file.
"""

import json
import os
import signal
import sys
from pathlib import Path

import xllamacpp

ANSWERS_AT_ONCE = 2  # further ones wait; memory for all contexts is taken at the start
CONTEXT_TOKENS = 4096  # of each answer, with its prompt: CHAT_CONTEXT_TOKENS' default
ANSWER_TOKENS = 512  # unless the request says how many: a model this small may never end
ERRORS_ONLY = 1


def parameters(model: str, port: int, key: str) -> xllamacpp.CommonParams:
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {Path(model).stem}
    params.n_parallel = ANSWERS_AT_ONCE
    params.n_ctx = ANSWERS_AT_ONCE * CONTEXT_TOKENS
    # Half of what was said is remembered in eight bits a number: 45 MB less.
    params.cache_type_k = xllamacpp.ggml_type.GGML_TYPE_Q8_0
    params.kv_unified = False  # shared, one long prompt too many makes all answers fail
    params.n_predict = ANSWER_TOKENS
    # Threads that wait busily take the processor from each other, and from everybody else.
    params.cpuparams.poll = params.cpuparams_batch.poll = 0
    params.n_ubatch = 128  # a quarter of the default's working memory for a tenth of its speed
    params.cache_ram_mib = 0  # else old prompts are kept, up to 8 GB of them
    params.n_ctx_checkpoints = 0
    params.fit_params = False
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.api_keys = [key]
    params.ui = False
    params.endpoint_slots = False
    params.verbosity = ERRORS_ONLY  # more would put prompts into the log
    return params


def write_state(path: Path, url: str, key: str) -> None:
    draft = path.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps({"url": f"{url}/v1", "key": key, "pid": os.getpid()}))
    draft.replace(path)


def main(model: str, state_file: str, port: str) -> None:
    key = sys.stdin.readline().strip()
    server = xllamacpp.Server(parameters(model, int(port), key))
    write_state(Path(state_file), server.listening_address, key)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    os._exit(0)  # at once: nothing is to be saved, and answers under way would hold it up


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main(*sys.argv[1:])
