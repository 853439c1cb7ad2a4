"""The pocket suite: small GPT-NeoX models trained on the spot, and the tasks they are asked."""
