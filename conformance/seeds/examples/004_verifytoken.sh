http POST http://127.0.0.1:8000/verifytoken/
token=""
