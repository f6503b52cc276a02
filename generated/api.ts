// Generated from openapi/openapi.yaml by `npm run generate`. Do not edit.
export interface paths {
    "/customers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List customers
         * @description The customers of your company, newest first: by `createdAt`, then by `id`, which is a
         *     strict total order. Filters combine. An update never moves a customer within the list;
         *     only a change of the filter's outcome moves it in or out. An unknown or repeated query
         *     parameter is refused.
         */
        get: operations["listCustomers"];
        put?: never;
        /**
         * Create a customer
         * @description Creates a customer of your company. The email is lower-cased and must be new within the
         *     company.
         *
         *     The customer starts with `emailVerified: false` and no password, so it cannot log in to
         *     the storefront until it has reset the password: send it the reset page of your store,
         *     `/store/{slug}/reset`, where `{slug}` is your store's. In all else it is the same as a
         *     customer who registered.
         *
         *     To be able to repeat the request safely after a network failure, send an
         *     `Idempotency-Key`.
         */
        post: operations["createCustomer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/customers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The customer's id, as an answer gave it.
                 * @example 019ab3f2-7c00-7d3a-9b52-3f6f1f0f6a11
                 */
                id: string;
            };
            cookie?: never;
        };
        /**
         * Get a customer
         * @description One customer of your company. An id of another company's customer is answered exactly as
         *     one that does not exist.
         */
        get: operations["getCustomer"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Update a customer
         * @description Changes the fields that are given: an absent field stays, `null` clears, and `{}` changes
         *     nothing. Values are absolute, so an update may be repeated. `updatedAt` and the `ETag`
         *     move only when a value really changed. An `Idempotency-Key` means nothing here.
         *
         *     The body is `application/json`; merge patch and JSON patch media types are refused.
         */
        patch: operations["updateCustomer"];
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description A customer of your company. Further fields may be added within v1. */
        Customer: {
            /**
             * Format: date-time
             * @description UTC, to the millisecond. Never changes.
             */
            createdAt: string;
            /** @description For your company's records only; nothing enforces it. */
            creditLimit: number | null;
            /** @description In lower case, unique within your company. */
            email: string;
            /**
             * @description Whether the customer has proved to own the email. Customers who registered themselves
             *     and invited contacts are verified; those created over this API or imported from CSV
             *     are once they have reset their password.
             */
            emailVerified: boolean;
            /** @description An opaque string that never changes. */
            id: string;
            /** @description The name shown for the customer. */
            name: string | null;
            /** @description Remarks for your staff. Never shown to the customer. */
            notes: string | null;
            status: components["schemas"]["CustomerStatus"];
            /**
             * @description The tax rate for this customer as a fraction (0.07 is 7 %). `null` means your
             *     company's default.
             */
            taxRateOverride: number | null;
            /**
             * Format: date-time
             * @description UTC, to the millisecond. Moves, by at least a millisecond, when a value changes, and
             *     only then.
             */
            updatedAt: string;
        };
        /**
         * @description A new customer. Unknown fields are refused. Of several wrong fields the first is reported,
         *     in the order of this list, unknown fields last.
         */
        CustomerCreate: {
            creditLimit?: components["schemas"]["CustomerCreditLimit"];
            /**
             * @description Lower-cased before it is stored, compared and returned; not trimmed. ASCII only, with a
             *     dot in its domain. Unique within your company; it cannot be changed over this API
             *     afterwards.
             */
            email: string;
            name?: components["schemas"]["CustomerName"];
            notes?: components["schemas"]["CustomerNotes"];
            /**
             * @description A `BLOCKED` customer cannot log in.
             * @default ACTIVE
             * @enum {string}
             */
            status?: "ACTIVE" | "BLOCKED";
            taxRateOverride?: components["schemas"]["CustomerTaxRateOverride"];
        };
        /**
         * @description For your company's records only; nothing enforces it. Comes back exactly as sent, without
         *     rounding.
         */
        CustomerCreditLimit: number | null;
        CustomerEnvelope: {
            data: components["schemas"]["Customer"];
        };
        CustomerList: {
            /** @description Newest first. */
            data: components["schemas"]["Customer"][];
            pagination: components["schemas"]["Pagination"];
        };
        /**
         * @description The name shown for the customer, or null. Counted in Unicode code points; U+0000 and lone
         *     surrogates are refused, and all other text comes back as it was sent.
         */
        CustomerName: string | null;
        /**
         * @description Remarks for your staff, or null. Never shown to the customer. Counted in Unicode code
         *     points; U+0000 and lone surrogates are refused, and all other text comes back as it was
         *     sent.
         */
        CustomerNotes: string | null;
        /**
         * @description A `BLOCKED` customer cannot log in. Nothing else about it changes.
         * @enum {string}
         */
        CustomerStatus: "ACTIVE" | "BLOCKED";
        /**
         * @description The tax rate for this customer as a fraction (0.07 is 7 %); null means your company's
         *     default. Comes back exactly as sent, without rounding.
         */
        CustomerTaxRateOverride: number | null;
        /**
         * @description What to change: an absent field stays, null clears. Unknown fields are refused, and so is
         *     `email`, whatever its value. Of several wrong fields the first is reported, `email` first,
         *     then in the order of this list, unknown fields last.
         */
        CustomerUpdate: {
            creditLimit?: components["schemas"]["CustomerCreditLimit"];
            name?: components["schemas"]["CustomerName"];
            notes?: components["schemas"]["CustomerNotes"];
            status?: components["schemas"]["CustomerStatus"];
            taxRateOverride?: components["schemas"]["CustomerTaxRateOverride"];
        };
        ErrorBody: {
            /**
             * @description What went wrong. The examples list every error message; within v1 none is reworded or
             *     removed, and more may be added.
             */
            error: string;
        };
        Pagination: {
            /** @description Whether a page follows. */
            hasMore: boolean;
            /** @description Pass it as `cursor` to get the page that follows; null on the last page. Opaque. */
            nextCursor: string | null;
        };
        RateLimitError: {
            /** @description What went wrong, for people. */
            error: string;
            /** @description Seconds to wait before the next request. */
            retryAfter: number;
        };
        RequestError: {
            /**
             * @description What is wrong with the request. The examples list every error message; within v1 none
             *     is reworded or removed, and more may be added.
             */
            error: string;
            /** @description The one field, parameter or header that caused it, where it was one. */
            field?: string;
        };
    };
    responses: {
        /** @description The path or the query is wrong. */
        BadGetRequest: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["RequestError"];
            };
        };
        /** @description Your company has no customer with this id. */
        CustomerNotFound: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /**
         * @description We made a mistake, and it is in our log under this request id. Whether a write took effect
         *     is not known; an update, and a create with an `Idempotency-Key`, may be repeated.
         */
        InternalServerError: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description The body is over 64 KiB. */
        PayloadTooLarge: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description The key is good but has no `customers:read` scope. */
        ReadForbidden: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /**
         * @description The database is down, locked or slow. Try again after `Retry-After`; a write that was
         *     answered so has in nearly all cases not taken effect, and an update, or a create with an
         *     `Idempotency-Key`, may be repeated in any case.
         */
        ServiceUnavailable: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "Retry-After": components["headers"]["Retry-After"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /**
         * @description The key has made its requests of this minute, or too many wrong keys came from this address
         *     (in place of a 401; a good key still works from there). Wait for `Retry-After`.
         */
        TooManyRequests: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "Retry-After": components["headers"]["Retry-After"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["RateLimitError"];
            };
        };
        /** @description There is no usable key. Wrong, expired and revoked keys get one answer, on purpose. */
        Unauthorized: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /**
         * @description One of three reasons: the media type is not `application/json` or is missing, the charset
         *     is not utf-8, or the request has a `Content-Encoding`.
         */
        UnsupportedMediaType: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description The key is good but has no `customers:write` scope. */
        WriteForbidden: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: {
        /**
         * @description Keep it for yourself, and ask again each time.
         * @example private, no-cache
         */
        "Cache-Control": "private, no-cache";
        /**
         * @description The strong entity tag of the customer. It depends on the customer alone, and every change
         *     gives a new one.
         * @example "mic9tk00"
         */
        ETag: string;
        /**
         * @description Requests that this key may make in a minute. Absent where limits are off.
         * @example 600
         */
        "RateLimit-Limit": number;
        /**
         * @description Requests that are left in this minute. Absent where limits are off.
         * @example 599
         */
        "RateLimit-Remaining": number;
        /**
         * @description Seconds until the minute starts anew. Absent where limits are off.
         * @example 60
         */
        "RateLimit-Reset": number;
        /**
         * @description Seconds to wait before the next request.
         * @example 1
         */
        "Retry-After": number;
        /**
         * @description The challenge of RFC 6750.
         * @example Bearer realm="Distribu Customers API"
         */
        "WWW-Authenticate": string;
        /**
         * @description Always `nosniff`.
         * @example nosniff
         */
        "X-Content-Type-Options": "nosniff";
        /**
         * @description The `X-Request-Id` of the request where it was usable, else a new one.
         * @example 0d9b1f6e-7a51-4b0f-8f5f-3f0f6d1c2b3a
         */
        "X-Request-Id": string;
    };
    pathItems: never;
}
export type Customer = components['schemas']['Customer'];
export type CustomerCreate = components['schemas']['CustomerCreate'];
export type CustomerCreditLimit = components['schemas']['CustomerCreditLimit'];
export type CustomerEnvelope = components['schemas']['CustomerEnvelope'];
export type CustomerList = components['schemas']['CustomerList'];
export type CustomerName = components['schemas']['CustomerName'];
export type CustomerNotes = components['schemas']['CustomerNotes'];
export type CustomerStatus = components['schemas']['CustomerStatus'];
export type CustomerTaxRateOverride = components['schemas']['CustomerTaxRateOverride'];
export type CustomerUpdate = components['schemas']['CustomerUpdate'];
export type ErrorBody = components['schemas']['ErrorBody'];
export type Pagination = components['schemas']['Pagination'];
export type RateLimitError = components['schemas']['RateLimitError'];
export type RequestError = components['schemas']['RequestError'];
export type ResponseBadGetRequest = components['responses']['BadGetRequest'];
export type ResponseCustomerNotFound = components['responses']['CustomerNotFound'];
export type ResponseInternalServerError = components['responses']['InternalServerError'];
export type ResponsePayloadTooLarge = components['responses']['PayloadTooLarge'];
export type ResponseReadForbidden = components['responses']['ReadForbidden'];
export type ResponseServiceUnavailable = components['responses']['ServiceUnavailable'];
export type ResponseTooManyRequests = components['responses']['TooManyRequests'];
export type ResponseUnauthorized = components['responses']['Unauthorized'];
export type ResponseUnsupportedMediaType = components['responses']['UnsupportedMediaType'];
export type ResponseWriteForbidden = components['responses']['WriteForbidden'];
export type HeaderCacheControl = components['headers']['Cache-Control'];
export type HeaderETag = components['headers']['ETag'];
export type HeaderRateLimitLimit = components['headers']['RateLimit-Limit'];
export type HeaderRateLimitRemaining = components['headers']['RateLimit-Remaining'];
export type HeaderRateLimitReset = components['headers']['RateLimit-Reset'];
export type HeaderRetryAfter = components['headers']['Retry-After'];
export type HeaderWwwAuthenticate = components['headers']['WWW-Authenticate'];
export type HeaderXContentTypeOptions = components['headers']['X-Content-Type-Options'];
export type HeaderXRequestId = components['headers']['X-Request-Id'];
export type $defs = Record<string, never>;
export interface operations {
    listCustomers: {
        parameters: {
            query?: {
                /**
                 * @description The `nextCursor` of the page before. Empty means not given. Opaque: take it from an
                 *     answer, do not make it up.
                 * @example 019ab3f2-7c00-7d3a-9b52-3f6f1f0f6a11
                 */
                cursor?: string;
                /**
                 * @description Only the customer with exactly this email, ignoring ASCII case: at most one. This is how
                 *     to look a customer up by email; `search` also finds the emails that contain it. Empty
                 *     means not given. Write a `+` as `%2B`: in a query string a raw `+` is a space.
                 * @example orders@bakery.example
                 */
                email?: string;
                /**
                 * @description How many customers a page may hold: decimal digits, optionally with a minus sign. A
                 *     value below 1 counts as 1 and one above 100 as 100; neither is an error.
                 * @example 50
                 */
                limit?: number;
                /**
                 * @description Only customers whose email or name contains this text, ignoring case. It is matched
                 *     literally, not trimmed, within the email or within the name and never across both.
                 *     Empty means not given. As in every query string, a raw `+` is a space.
                 * @example bakery
                 */
                search?: string;
                /**
                 * @description Only customers of this status.
                 * @example ACTIVE
                 */
                status?: "ACTIVE" | "BLOCKED";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of customers. */
            200: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CustomerList"];
                };
            };
            /** @description A query parameter is wrong. */
            400: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["ReadForbidden"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalServerError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    createCustomer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description 1 to 255 printable ASCII characters of your choice, best a random UUID for each
                 *     customer that you mean to create. The same key with the same body (compared byte for
                 *     byte) within 24 hours gives the first answer again, marked by `Idempotent-Replayed:
                 *     true`; with another body it is a 422. While the first request is still running, the
                 *     second waits for it and gets its answer. Only a 201 is remembered: after any other
                 *     answer the key is free. Keys belong to your company, not to an API key.
                 * @example 5a5f3e0e-8f0e-4f0b-9a51-0c1d2e3f4a5b
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /**
         * @description At most 64 KiB (65536 bytes) of UTF-8. A byte order mark is ignored; of duplicate names
         *     the last counts. No `Content-Encoding`, and no charset but utf-8.
         */
        requestBody: {
            content: {
                "application/json": components["schemas"]["CustomerCreate"];
            };
        };
        responses: {
            /** @description The customer was created. */
            201: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    ETag: components["headers"]["ETag"];
                    /**
                     * @description Present, and `true`, when this answer was given before to the same
                     *     `Idempotency-Key`.
                     * @example true
                     */
                    "Idempotent-Replayed"?: "true";
                    /**
                     * @description The path of the new customer, below the path of the server's URL.
                     * @example /api/v1/customers/019ab3f2-7c00-7d3a-9b52-3f6f1f0f6a11
                     */
                    Location: string;
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CustomerEnvelope"];
                };
            };
            /** @description The request is wrong; nothing was created. */
            400: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["WriteForbidden"];
            /**
             * @description Another customer of your company has this email. Emails are compared in lower case. Find
             *     that customer with `listCustomers` and its `email` parameter; a `+` is written as `%2B`
             *     there.
             */
            409: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            /** @description The `Idempotency-Key` was used within the last 24 hours with a different body. */
            422: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalServerError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    getCustomer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Entity tags that you hold, or `*`, compared weakly (RFC 9110, section 13.1.2). When
                 *     one of them is current the answer is 304, without a body.
                 * @example "mic9tk00"
                 */
                "If-None-Match"?: string;
            };
            path: {
                /**
                 * @description The customer's id, as an answer gave it.
                 * @example 019ab3f2-7c00-7d3a-9b52-3f6f1f0f6a11
                 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The customer. */
            200: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    ETag: components["headers"]["ETag"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CustomerEnvelope"];
                };
            };
            /** @description The customer is as you hold it. */
            304: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    ETag: components["headers"]["ETag"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadGetRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["ReadForbidden"];
            404: components["responses"]["CustomerNotFound"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalServerError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    updateCustomer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description The entity tags that the customer must still have, or `*`. When none is current the
                 *     response is 412 and nothing changes, also where the update would change nothing. Unlike
                 *     RFC 9110, section 13.1.1, the weak form of the tag matches too, as proxies that compress
                 *     make of it; that is safe, as the tag stands for the version of the customer.
                 * @example "mic9tk00"
                 */
                "If-Match"?: string;
            };
            path: {
                /**
                 * @description The customer's id, as an answer gave it.
                 * @example 019ab3f2-7c00-7d3a-9b52-3f6f1f0f6a11
                 */
                id: string;
            };
            cookie?: never;
        };
        /**
         * @description At most 64 KiB (65536 bytes) of UTF-8. A byte order mark is ignored; of duplicate names
         *     the last counts. No `Content-Encoding`, and no charset but utf-8.
         */
        requestBody: {
            content: {
                "application/json": components["schemas"]["CustomerUpdate"];
            };
        };
        responses: {
            /** @description The customer, as it is after the update. */
            200: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    ETag: components["headers"]["ETag"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CustomerEnvelope"];
                };
            };
            /** @description The request is wrong; nothing was changed. */
            400: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["WriteForbidden"];
            404: components["responses"]["CustomerNotFound"];
            /** @description The customer no longer has the entity tag of `If-Match`. Get it again, decide again. */
            412: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalServerError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
}
