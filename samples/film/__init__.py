"""The sample film, made by code: an invented person in 3D, a harbour at dusk, a synthetic voice, quiet music."""
