// Credentials that the settings do not name (files.md §5.2): a profile of the vendor's own file, else its environment
// variables. Read on each use, since whoever rotates them replaces the file.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '@gatehouse/daemon/config';
import type { S3Credentials } from './backends/s3-config.ts';

/** @returns `undefined` when there are none, or only half of them */
export function awsCredentials(
  env: Readonly<Record<string, string | undefined>>,
  profile: string | undefined,
): S3Credentials | undefined {
  const values =
    profile === undefined
      ? { id: env['AWS_ACCESS_KEY_ID'], key: env['AWS_SECRET_ACCESS_KEY'], token: env['AWS_SESSION_TOKEN'] }
      : fromProfile(env['AWS_SHARED_CREDENTIALS_FILE'] ?? join(homedir(), '.aws', 'credentials'), profile);
  const { id, key, token } = values;
  if (id === undefined || key === undefined) return undefined;
  const sessionToken = token === undefined ? {} : { sessionToken: new Secret(token) };
  return { accessKey: new Secret(id), secretKey: new Secret(key), ...sessionToken };
}

function fromProfile(path: string, profile: string) {
  const found = new Map<string, string>();
  let section = '';
  for (const line of readLines(path)) {
    section = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line)?.[1] ?? section;
    const [, name, value] = /^\s*(aws_\w+)\s*=\s*(\S+)/.exec(line) ?? [];
    if (section === profile && name !== undefined && value !== undefined) found.set(name, value);
  }
  return {
    id: found.get('aws_access_key_id'),
    key: found.get('aws_secret_access_key'),
    token: found.get('aws_session_token'),
  };
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return []; // no file, no credentials; whoever needs them says so
  }
}
