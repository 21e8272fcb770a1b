// Entry `@gatehouse/storage/testing`. Users: tests of the core's files API, the router and test/.
export { type S3TestServer, startS3Server } from './s3-server.ts';
