// What the kernel threw away, for our ports alone. That it is seen when it happens: udp.test.ts.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../testing/index.ts';
import { kernelDrops } from './kernel-drops.ts';

const head =
  '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops';
const row = (port: number, drops: number) =>
  `  1: 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 1 2 0 ${drops}`;

test('the sum over the sockets of these ports, of both families', async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, 'udp'), [head, row(1812, 5), row(53, 100), row(1812, 2), ''].join('\n'));
  expect(kernelDrops([1812], folder.path)).toBe(7);
  await writeFile(join(folder.path, 'udp6'), [head, row(1813, 11), ''].join('\n'));
  expect([kernelDrops([1812, 1813], folder.path), kernelDrops([9], folder.path)]).toEqual([18, 0]);
  expect(kernelDrops([1812], join(folder.path, 'none'))).toBeUndefined();
});
