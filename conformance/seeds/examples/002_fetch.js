const refreshToken = localStorage.getItem('refresh_token');
fetch('http://localhost:8000/api/token/refresh/', {
  method: 'POST',
  headers: {
    'Content-Type': 'application/json',
  },
  body: JSON.stringify({
    refresh: refreshToken
  })
})
.then(response => response.json())
.then(data => {
  // Update the access token
  localStorage.setItem('access_token', data.access);
});
