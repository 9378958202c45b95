from .member import *
from .proxy import Librarian
