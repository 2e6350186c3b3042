"""Other libraries: their semantics on torch, and ways to and from them."""
