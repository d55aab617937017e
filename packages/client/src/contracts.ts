// By path and not by name: the tarball carries the contracts inside and must not depend on their package, and a
// production install of the workspace links only what a package depends on.
export * from '../../contracts/src/index.ts';
