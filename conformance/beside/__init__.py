"""Django with Simple JWT and tokenpair on one database."""
