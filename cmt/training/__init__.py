"""How the network learns: the only room that knows torch.

What comes out of it is a checkpoint, which `cmt.network.decoder` reads without torch.
"""

from cmt.machine.extras import require

require("torch", "train", "training")
