from .person import Person, PersonManager

__all__ = ["Person", "PersonManager"]
