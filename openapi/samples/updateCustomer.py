import os

import requests

url = f"{os.environ['API']}/customers/{os.environ['ID']}"
session = requests.Session()
session.headers["Authorization"] = f"Bearer {os.environ['KEY']}"

# With the entity tag of what was read, the update is a 412 where somebody has changed it since.
read = session.get(url, timeout=15)
read.raise_for_status()
updated = session.patch(
    url,
    headers={"If-Match": read.headers["ETag"]},
    json={"creditLimit": 7500.5, "notes": None},
    timeout=15,
)
updated.raise_for_status()
customer = updated.json()["data"]
print(customer["creditLimit"], customer["updatedAt"])
