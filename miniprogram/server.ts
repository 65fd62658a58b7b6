// Where the installation is served. Before a release: its public address, which must also stand in the platform's
// list of request, upload and download domains (docs/miniprogram.md).
export const SERVER = 'https://weilianxin.invalid'
