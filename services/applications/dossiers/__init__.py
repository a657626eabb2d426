"""卷宗: all that an application's file holds, as a ZIP that can be checked without this system. Asked for by people, put together by the relay."""
