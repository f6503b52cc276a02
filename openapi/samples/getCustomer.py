import os

import requests

response = requests.get(
    f"{os.environ['API']}/customers/{os.environ['ID']}",
    headers={"Authorization": f"Bearer {os.environ['KEY']}"},
    timeout=15,
)
response.raise_for_status()
customer = response.json()["data"]
print(customer["email"], customer["status"])
