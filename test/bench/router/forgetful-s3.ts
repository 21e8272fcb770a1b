// An S3 service that takes everything and keeps nothing: for the memory of whoever sends. Started by upload.ts.
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  request.resume().once('end', () => {
    if (request.method === 'HEAD') response.writeHead(404).end();
    else if (request.method === 'POST' && request.url?.includes('uploads=') === true)
      response.end('<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>');
    else response.writeHead(200, { etag: '"1"' }).end();
  });
});
server.listen(0, '127.0.0.1', () => {
  const at = server.address();
  process.send?.(typeof at === 'object' && at !== null ? at.port : 0);
});
process.on('disconnect', () => process.exit(0));
