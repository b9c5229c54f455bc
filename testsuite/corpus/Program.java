import java.util.concurrent.*;
import java.util.concurrent.atomic.*;

/** Monitors, executors, parallel streams and a garbage collector at work. */
public class Program {
    static long total;

    static synchronized void add(long n) { total += n; }

    public static void main(String[] args) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(4);
        CountDownLatch latch = new CountDownLatch(40);
        for (int i = 0; i < 40; i++) {
            final int n = i;
            pool.submit(() -> {
                for (int k = 0; k < 1000; k++) add(n);
                latch.countDown();
            });
        }
        latch.await();
        pool.shutdown();
        ConcurrentHashMap<Integer, byte[]> map = new ConcurrentHashMap<>();
        java.util.stream.IntStream.range(0, 20000).parallel().forEach(i -> map.put(i % 100, new byte[1000]));
        System.gc();
        System.out.println(total + " " + map.size() + " " + pool.awaitTermination(10, TimeUnit.SECONDS));
    }
}
