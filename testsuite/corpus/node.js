// The thread pool, worker threads, child processes and timers of node.
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const crypto = require('crypto'), fs = require('fs'), { execFileSync } = require('child_process');
if (!isMainThread) {
    let n = 0;
    for (let i = 0; i < 1e6; i++) n += i % workerData;
    parentPort.postMessage(n);
} else {
    const jobs = [1, 2, 3, 4].map(i => new Promise(done => crypto.pbkdf2('p' + i, 's', 20000, 16, 'sha256', (e, k) => done(k.toString('hex')))));
    const workers = [3, 5].map(d => new Promise(done => new Worker(__filename, { workerData: d }).on('message', done)));
    const files = [0, 1, 2, 3, 4, 5].map(i => fs.promises.writeFile('f' + i, 'x'.repeat(i)).then(() => fs.promises.readFile('f' + i)).then(b => b.length));
    Promise.all([...jobs, ...workers, ...files]).then(all => console.log(all.join(' '), execFileSync('/bin/echo', ['child']).toString().trim()));
}
