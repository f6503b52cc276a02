import hashlib
import json
import os

import requests

customer = BODY
body = json.dumps(customer).encode()
response = requests.post(
    f"{os.environ['API']}/customers",
    headers={
        "Authorization": f"Bearer {os.environ['KEY']}",
        "Content-Type": "application/json",
        # Derived from the body, so running this again creates no second customer.
        "Idempotency-Key": hashlib.sha256(body).hexdigest(),
    },
    data=body,
    timeout=15,
)
if not response.ok:
    problem = response.json()
    raise SystemExit(f"{response.status_code} {problem['error']} {problem.get('field', '')}")
created = response.json()["data"]
print(created["id"], created["email"])
