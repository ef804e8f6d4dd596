"""Files as people have them: tables, whole series, graphs."""
