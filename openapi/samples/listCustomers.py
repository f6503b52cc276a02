import os

import requests

session = requests.Session()
session.headers["Authorization"] = f"Bearer {os.environ['KEY']}"

# All pages, one after another.
query = {"status": "ACTIVE", "limit": 100}
while True:
    response = session.get(f"{os.environ['API']}/customers", params=query, timeout=15)
    response.raise_for_status()
    page = response.json()
    for customer in page["data"]:
        print(customer["id"], customer["email"])
    if not page["pagination"]["hasMore"]:
        break
    query["cursor"] = page["pagination"]["nextCursor"]
