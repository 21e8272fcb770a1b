// The vendor's client for Python sets up an installation and reads every resource. Unlike the one for JavaScript it holds each
// answer against its models: what is required, of which type, in which format, one of which choices.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startTestCore } from '@gatehouse/core/testing';
import { expect, test } from 'vitest';
import { skipWithoutPython } from '../../harness/index.ts';

interface Told {
  readonly operation: string;
  readonly of: readonly string[];
  readonly said: string;
}

const megabytes = 1024 * 1024;
/** The client takes as required what the vendor's server leaves out: inner flags of a brand, the object of a task without one. */
const moreThanPromised = ['core_brands_current_retrieve', 'tasks_schedules_list', 'tasks_tasks_list'];

test.skipIf(skipWithoutPython('authentik_client'))(
  'an administrator sets up an installation by Python, and reads all',
  async () => {
    await using core = await startTestCore();
    const script = join(import.meta.dirname, 'administer.py');
    const { stdout } = await promisify(execFile)('python3', [script, core.url, core.adminToken], {
      maxBuffer: 16 * megabytes,
    });
    const told = stdout
      .trim()
      .split('\n')
      .map((line): Told => JSON.parse(line));
    const refused = told.filter(({ operation, said }) => said !== 'ok' && !moreThanPromised.includes(operation));
    expect(refused).toEqual([]);
    const operations = new Set(told.map(({ operation }) => operation));
    expect(operations.size).toBeGreaterThan(120);
    expect([...operations]).toEqual(expect.arrayContaining(moreThanPromised));
  },
  240_000,
);
