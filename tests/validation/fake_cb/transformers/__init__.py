# SPDX-License-Identifier: Apache-2.0
"""As much of transformers' continuous batching as scripts/validate_gpu touches, so that its serving
path runs where there is neither GPU nor transformers. The scheduler follows what 5.x of 2026 does
(FIFO; decodes first; a safety margin looked at before each request; soft resets), written from the
description of that behaviour and sharing nothing with Orrery's policy. A step takes a few hundred
microseconds of sleep. FAKE_CB_FAILS_AFTER=N: the engine fails after N steps."""
import collections
import os
import queue
import threading
import time
import types

__version__ = "5.17.0"


class LlamaConfig:
    def __init__(self, **figures):
        self.__dict__.update(figures)
        self._attn_implementation = "sdpa"


class GenerationConfig:
    def __init__(self, **figures):
        self.__dict__.update(figures)


class LlamaForCausalLM:
    def __init__(self, config):
        self.config = config

    def eval(self):
        return self

    def init_continuous_batching(self, generation_config, continuous_batching_config):
        return _Manager(continuous_batching_config)


class _State:
    def __init__(self, name, prompt, limit):
        self.request_id, self.prompt, self.limit = name, prompt, limit
        self.generated, self.position, self.blocks = 0, 0, 0
        self.tokens_to_process = []
        self.status = "waiting"

    def current_len(self):
        return self.position

    def left(self):
        return self.prompt - self.position


_Scheduled = collections.namedtuple("_Scheduled", "state has_new_token")


class _Cache:
    def __init__(self, page_size, num_blocks):
        self.page_size, self.num_blocks, self.free = page_size, num_blocks, num_blocks

    def get_num_free_blocks(self):
        return self.free

    def grow(self, state, tokens):
        needed = -(-(state.position + tokens) // self.page_size) - state.blocks
        if needed > self.free:
            return False
        self.free -= max(needed, 0)
        state.blocks += max(needed, 0)
        return True

    def release(self, state):
        self.free += state.blocks
        state.blocks = 0


class _Scheduler:
    safety_margin = 0.15

    def __init__(self, cache):
        self.cache = cache
        self.active_requests, self.waiting_requests = {}, {}
        self.block_new_requests = False

    def schedule_batch(self, budget, _pages):
        decodes = [s for s in self.active_requests.values() if s.left() <= 0]
        prompts = [s for s in self.active_requests.values() if s.left() > 0]
        waiting = [] if self.block_new_requests else list(self.waiting_requests.values())
        batch = []
        for state in decodes + prompts + waiting:
            if budget == 0:
                break
            decoding = state.left() <= 0
            short = self.cache.free < self.safety_margin * self.cache.num_blocks
            if short and batch and not decoding:
                break
            tokens = 1 if decoding else min(budget, state.left())
            if not self.cache.grow(state, tokens):
                if self.cache.free == 0 and not decoding:
                    break
                continue
            state.tokens_to_process = [0] * tokens
            budget -= tokens
            batch.append(_Scheduled(state, decoding or tokens == state.left()))
            if state.request_id in self.waiting_requests:
                del self.waiting_requests[state.request_id]
                self.active_requests[state.request_id] = state
        if not batch and (self.active_requests or self.waiting_requests):
            return None, False, 0, 0
        return batch, False, 0, 0


class _Processor:
    def __init__(self, config, requests, results):
        self.cache = _Cache(config.page_size, config.num_blocks)
        self.scheduler = _Scheduler(self.cache)
        self.max_batch_tokens = config.max_batch_tokens
        self.cb_config, self.input_queue, self.results = config, requests, results
        self.inputs_and_outputs = types.SimpleNamespace(compute_stream=None)
        self.batch, self.cancelled, self.steps = [], set(), 0

    def _get_new_requests(self):
        while not self.input_queue.empty():
            state = self.input_queue.get()
            self.scheduler.waiting_requests[state.request_id] = state

    def prepare_next_batch(self):
        self._get_new_requests()
        for name in list(self.cancelled):
            for held in (self.scheduler.active_requests, self.scheduler.waiting_requests):
                if name in held:
                    self.cache.release(held.pop(name))
        if not (self.scheduler.active_requests or self.scheduler.waiting_requests):
            return False
        self.batch = self.scheduler.schedule_batch(self.max_batch_tokens, 0)[0]
        if self.batch is None:
            if len(self.scheduler.active_requests) < 2:
                raise RuntimeError("No requests can be scheduled and no request can be offloaded.")
            self.reset_newest()
            return False
        return bool(self.batch)

    def reset_newest(self):
        name, state = self.scheduler.active_requests.popitem()
        self.cache.release(state)
        # What was generated becomes prompt.
        state.prompt = max(state.prompt, state.position + (1 if state.left() <= 0 else 0))
        state.position = 0
        self.scheduler.waiting_requests[name] = state
        self.scheduler.block_new_requests = True

    def _generation_step(self, _model):
        time.sleep(3e-4)

    def update_batch(self):
        self.steps += 1
        if self.steps == int(os.environ.get("FAKE_CB_FAILS_AFTER", 0)):
            raise RuntimeError("a kernel failed")
        for state, has_new_token in self.batch:
            state.position += len(state.tokens_to_process)
            if not has_new_token:
                continue
            state.generated += 1
            if state.generated < state.limit:
                continue
            self.cache.release(state)
            del self.scheduler.active_requests[state.request_id]
            self.scheduler.block_new_requests = False
            state.status = "finished"
            self.results.put(_Output(None))


class _Output:
    def __init__(self, error):
        self.error = error

    def is_finished(self):
        return self.error is None


class _Manager:
    def __init__(self, config):
        self.config, self.results, self.requests = config, queue.Queue(), queue.Queue()
        self.batch_processor, self.thread = None, None
        self.ending = threading.Event()

    def warmup(self):
        self.batch_processor = _Processor(self.config, self.requests, self.results)

    def start(self):
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        processor = self.batch_processor
        try:
            while not self.ending.is_set() or processor.scheduler.active_requests:
                if not processor.prepare_next_batch():
                    time.sleep(1e-4)
                    continue
                processor._generation_step(None)
                processor.update_batch()
        except Exception as error:
            self.results.put(_Output(str(error)))

    def is_running(self):
        return self.thread is not None and self.thread.is_alive()

    def add_request(self, tokens, request_id, max_new_tokens, eos_token_id):
        self.requests.put(_State(request_id, len(tokens), max_new_tokens))

    def cancel_request(self, name):
        self.batch_processor.cancelled.add(name)

    def get_result(self, timeout):
        try:
            return self.results.get(timeout=timeout)
        except queue.Empty:
            return None

    def stop(self, block, timeout):
        self.ending.set()
        self.thread.join(timeout)
