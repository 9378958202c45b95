"""The rules, without I/O: the faces (`client`, `httpx`) bring the transport, a `Clock` the time."""
