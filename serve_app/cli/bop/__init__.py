"""``render-server bop``: the CADs of a dataset, rendered for a pipeline."""
