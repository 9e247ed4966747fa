"""The pages as people use them, in Debian's Chromium on the running example site: `make browser`."""
