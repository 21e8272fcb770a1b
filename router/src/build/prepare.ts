// Run by `npm run build` after the pages are bundled: writes manifest and codings beside them.
import { browserFolder } from '@gatehouse/web/manifest';
import { prepareAssets } from '../assets/prepared.ts';
import { openZstd } from './zstd.ts';

const started = performance.now();
const { files } = await prepareAssets(browserFolder, await openZstd());
const count = Object.keys(files).length;
process.stdout.write(`${count} assets compressed in ${Math.round(performance.now() - started)} ms\n`);
