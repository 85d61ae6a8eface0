# SPDX-License-Identifier: Apache-2.0
import dataclasses


@dataclasses.dataclass
class ContinuousBatchingConfig:
    """With the page for a block, as later versions have it."""
    page_size: int = 256
    num_blocks: int = None
    max_batch_tokens: int = None
    max_requests_per_batch: int = 1024
    max_blocks_per_request: int = None
    allow_block_sharing: bool = True
    use_async_batching: bool = None
    use_cuda_graph: bool = None
    scheduler_type: str = "fifo"
