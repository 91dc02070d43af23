"""Who may do what: access rules, security status, reference data and retry counters."""
