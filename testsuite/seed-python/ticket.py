# Chapter: mutual exclusion. The seed's ticket program, its lock commented out as there.
# CLEAN
# UNORDERED
# IGNORE: 剩余
# SUBST: \d+ => N
import threading
import os
import time


class demo():
    def __init__(self, d):
        self.dic = d

    def buy_ticket(self, ):
        time.sleep(0.2)
        # locks.acquire()
        print('剩余【%s】票' % self.dic['ticket'])
        if self.dic['ticket'] > 0:
            self.dic['ticket'] -= 1
            print('%s购票成功' % os.getpid())
        else:
            print('%s购票失败' % os.getpid())
        # locks.release()


if __name__ == '__main__':
    # locks = threading.Lock()
    d = demo({'ticket': 10})
    for i in range(10):
        t = threading.Thread(target=d.buy_ticket, )
        t.start()
