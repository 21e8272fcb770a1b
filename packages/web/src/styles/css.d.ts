// Style sheets are imported for the bundler, which collects them into one file for each page.
declare module '*.css';
