import os
import uuid

import requests

# To try again, send the same key and body: there will be one customer.
response = requests.post(
    f"{os.environ['API']}/customers",
    headers={
        "Authorization": f"Bearer {os.environ['KEY']}",
        "Idempotency-Key": str(uuid.uuid4()),
    },
    json={"email": "kitchen@gasthaus.example", "name": "Gasthaus zur Linde", "creditLimit": 5000},
    timeout=15,
)
if not response.ok:
    problem = response.json()
    raise SystemExit(f"{response.status_code} {problem['error']} {problem.get('field', '')}")
customer = response.json()["data"]
print(customer["id"], customer["email"])
