// The self-signed fallback (core-contract §6.3). Loading the library that makes certificates and running it for the first time
// takes some 70 ms, in which a daemon that listens already would answer nobody: both happen in a thread, which is gone afterwards.
import { Worker } from 'node:worker_threads';

export interface KeyPair {
  readonly certPem: string;
  readonly keyPem: string;
}

/**
 * RSA 2048, CN `authentik default certificate`, SAN `*`, valid one year from `nowMs`. Takes some 300 ms of CPU, none of it in
 * the thread that asks.
 */
export function selfSignedCertificate(nowMs = Date.now()): Promise<KeyPair> {
  const thread = new Worker(threadFile, { name: 'certificate', workerData: nowMs, execArgv: [] });
  return new Promise((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', () => reject(new Error('The thread that makes a certificate has ended without one.')));
  });
}

/** Node runs what the compiler made of it, whichever of both we are. */
const threadFile = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/tls/self-signed-thread.js' : './self-signed-thread.js',
  import.meta.url,
);
