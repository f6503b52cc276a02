import os

import requests

url = f"{os.environ['API']}/customers/{os.environ['ID']}"
session = requests.Session()
session.headers["Authorization"] = f"Bearer {os.environ['KEY']}"

read = session.get(url, timeout=15)
read.raise_for_status()
changes = BODY
# With the ETag of the customer, the update fails with 412 if somebody has changed it since.
updated = session.patch(url, headers={"If-Match": read.headers["ETag"]}, json=changes, timeout=15)
updated.raise_for_status()
print(updated.json()["data"])
