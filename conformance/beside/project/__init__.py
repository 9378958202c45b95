"""The Django project that lives beside tokenpair."""
