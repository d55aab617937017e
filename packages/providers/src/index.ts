export * from './books.ts';
export * from './delivery-events.ts';
export * from './limiter/index.ts';
export * from './reconcile.ts';
export * from './stripe-events.ts';
