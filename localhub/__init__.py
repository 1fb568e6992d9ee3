"""A Hub server over HTTP for tests, the sample and air-gapped use; see its README."""
