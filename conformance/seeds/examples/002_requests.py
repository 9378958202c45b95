import requests
url = "http://localhost:8000/api/token/refresh/"
payload = {
    "refresh": "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9..."
}
response = requests.post(url, json=payload)
data = response.json()
# Update stored access token
new_access_token = data['access']
