/**
 * A certificate for a name of ghe.com, and its own authority: nobody trusts it who is not told to. Good from 2020 to 2049.
 * Made as issue-certificate.ts makes those for this computer.
 */
import type { IssuedCertificate } from "../http/issue-certificate.ts";

export const GHE_HOST = "api.acme.ghe.com";

export const GHE_CERTIFICATE: IssuedCertificate = {
  certificatePem: `-----BEGIN CERTIFICATE-----
MIIBVDCCAPugAwIBAgIBATAKBggqhkjOPQQDAjAbMRkwFwYDVQQDDBBhcGkuYWNt
ZS5naGUuY29tMB4XDTIwMDEwMTAwMDAwMFoXDTQ5MDEwMTAwMDAwMFowGzEZMBcG
A1UEAwwQYXBpLmFjbWUuZ2hlLmNvbTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
BDgfe1yyHtOeKw4k+NpxbpgOwJ2GQm8273ivoxCl+jpFf9LAHcmVCDHcH4PDM4I2
5J+MTBVhQ8ds/jUuDrfl5bOjMDAuMA8GA1UdEwEB/wQFMAMBAf8wGwYDVR0RBBQw
EoIQYXBpLmFjbWUuZ2hlLmNvbTAKBggqhkjOPQQDAgNHADBEAiBepj1ZKc1kXRk4
VBTYciP4rnwgoqXBu2LO+kvSXJZYXAIgds+BI7YqzQpGvbT/LxwXHUZ6BYKCWDN6
mnLmqdwhbZs=
-----END CERTIFICATE-----
`,
  keyPem: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgFoG0dm9uaJXvEHHy
wPKzwKepvHUFjCvh0cfxZMDFwvahRANCAAQ4H3tcsh7TnisOJPjacW6YDsCdhkJv
Nu94r6MQpfo6RX/SwB3JlQgx3B+DwzOCNuSfjEwVYUPHbP41Lg635eWz
-----END PRIVATE KEY-----
`,
};
