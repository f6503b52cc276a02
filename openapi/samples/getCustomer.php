<?php
$curl = curl_init(getenv('API') . '/customers/' . getenv('ID'));
curl_setopt_array($curl, [
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 15,
    CURLOPT_HTTPHEADER => ['Authorization: Bearer ' . getenv('KEY')],
]);
$response = curl_exec($curl);
$status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
if ($status !== 200) {
    throw new RuntimeException("$status $response");
}
$customer = json_decode($response, true)['data'];
echo $customer['email'], ' ', $customer['status'], "\n";
