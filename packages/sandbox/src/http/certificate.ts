import { generate } from 'selfsigned';

/** A certificate for 127.0.0.1 and localhost that is its own authority, made anew for each server. */
export interface LocalCertificate {
  /** PEM; give it to clients as trusted (`ca`, `NODE_EXTRA_CA_CERTS`, `tls.setDefaultCACertificates`). */
  certificate: string;
  /** PEM. */
  privateKey: string;
}

export async function makeLocalCertificate(): Promise<LocalCertificate> {
  const made = await generate([{ name: 'commonName', value: 'provider sandbox' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  return { certificate: made.cert, privateKey: made.private };
}
