"""The programs in examples/, and the queries in the docs."""
