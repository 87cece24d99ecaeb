"""Tells a job's end to the address that its request named: which addresses, signed how, sent when."""
