"""CAD files that tests write themselves: shapes whose exact form is known, in the formats of CAD programs."""
