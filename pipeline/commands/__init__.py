"""Verbs outside DVC: what a person or a flow asks for by name."""
