// `npm run build` of this workspace.
import { bundle } from './bundle.ts';

const started = performance.now();
const { pages } = await bundle();
process.stdout.write(`pages ${Object.keys(pages).join(', ')} built in ${Math.round(performance.now() - started)} ms\n`);
