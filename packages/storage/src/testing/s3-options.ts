// The S3 backend towards the test server: one bucket, keys that it knows, plain HTTP, path-style.
import { Secret } from '@gatehouse/daemon/config';
import type { S3BackendOptions } from '../backends/s3.ts';

export const s3Keys = { bucket: 'files', accessKey: 'AKIDEXAMPLE', secretKey: 'wJalrXUtnFEMI', region: 'eu-test-1' };

export function s3Options(endpoint: string, over: Partial<S3BackendOptions> = {}): S3BackendOptions {
  return {
    usage: 'media',
    bucket: s3Keys.bucket,
    region: s3Keys.region,
    endpoint,
    useSsl: false,
    addressingStyle: 'path',
    secureUrls: true,
    customDomainMode: 'sign',
    signatureVersion: 's3v4',
    urlLifeMs: 900_000,
    credentials: () => ({ accessKey: new Secret(s3Keys.accessKey), secretKey: new Secret(s3Keys.secretKey) }),
    ...over,
  };
}
